"""What can go wrong with a model before it answers."""


class ArtifactError(Exception):
    """The artifact or its encoder cannot be used; one sentence says why."""
