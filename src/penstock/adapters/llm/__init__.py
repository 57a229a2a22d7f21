"""Vision models behind one protocol: a local Ollama server, or any server that speaks OpenAI's chat API."""
