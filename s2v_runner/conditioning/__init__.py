"""Arrays → what the transformer is conditioned on."""
