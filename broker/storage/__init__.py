"""Where the broker keeps what it knows: engine, migrations, and the group commit that every write goes through."""
