"""The CDS Hooks wire protocol: messages, routes, discovery and trust."""
