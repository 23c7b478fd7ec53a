"""Single files and what lies in them, each opened in one place, none trusted."""
