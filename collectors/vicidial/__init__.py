"""VICIdial: its MySQL or MariaDB database, read and never written."""
