"""Cases: records in YAML with the decisions expected of them, run over the back ends and compared."""
