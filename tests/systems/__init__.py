"""Real counterparts: browsers, object stores, services."""
