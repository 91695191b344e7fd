"""The MCP door. All contact with the MCP SDK stays in this folder."""
