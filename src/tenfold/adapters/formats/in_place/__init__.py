"""Pictures used where they lie: registered, checked, packed behind."""
