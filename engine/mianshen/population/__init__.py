"""Made-up people, drawn from a seed; beside the engine, which never imports it."""
