"""The gateway's messages, generated from its .proto files."""
