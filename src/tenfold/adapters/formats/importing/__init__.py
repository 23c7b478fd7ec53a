"""From a source to a revision: list, plan, decode, settle."""
