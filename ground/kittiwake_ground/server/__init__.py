"""The server: links, state, commands and files of several deployments in one asyncio process."""
