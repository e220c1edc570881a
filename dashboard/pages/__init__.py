"""One page per file. Each registers itself with Dash; its ``layout`` reads the context and calls a pure component."""
