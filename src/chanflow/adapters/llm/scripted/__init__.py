"""A server that speaks OpenAI's chat completions on loopback and answers by a script: no key, no network, no model."""
