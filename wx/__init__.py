"""The WeChat protocol: envelopes, messages, replies, the API client and a simulated platform. Knows no database, no web."""
