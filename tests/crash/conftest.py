"""The small year of tests.factories and the demo's world, for every test of this folder."""

from tests.factories import any_years, demo, postgres_stages, postgres_years, stage_folder, years

__all__ = ["any_years", "demo", "postgres_stages", "postgres_years", "stage_folder", "years"]
