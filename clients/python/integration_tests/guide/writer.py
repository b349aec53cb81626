# Update writer.py to use new system
# See: backend/src/agent/nodes/writer_migrated.py for full example

class WriterAgent(StreamingNode):
    def __init__(self):
        super().__init__("writer")
        # NEW: Use capability-aware client factory
        self.client_factory = get_node_client_factory()

    async def execute(self, state, config):
        # NEW: Request capabilities instead of hardcoding model
        writer_client = self.client_factory.create_writer_client(
            node_name="writer",
            strategy=SelectionStrategy.BALANCED,
            trace_id=state.get("trace_id")
        )

        # Rest of logic unchanged
        response = await writer_client.ainvoke(messages)
        return {"content": response.content}
