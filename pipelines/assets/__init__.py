"""The Dagster faces of the steps: an asset gets its inputs, calls one step, returns facts."""
