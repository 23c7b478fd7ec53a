"""The only place that joins ports to adapters: one module a kind of process, so that each loads what it needs only."""
