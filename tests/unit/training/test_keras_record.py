"""Keras is not installed here: its whole run is recorded with what it was run on."""

import json

from keras_record import RECORD, what_keras_sees


def test_the_last_whole_run_of_keras_was_on_this_adapter_port_and_language():
    """Seen red: a changed comment in the adapter."""
    recorded = json.loads(RECORD.read_text("utf-8"))["sees"]
    changed = [name for name, value in what_keras_sees().items() if recorded.get(name) != value]
    advice = "run `make campaign NAME=keras`, which trains with Keras whole and records it"
    assert not changed, f"what Keras sees has changed ({', '.join(changed)}): {advice}"
