"""The small year of tests.factories, for every test of this folder."""

from tests.factories import any_years, postgres_stages, postgres_years, stage_folder, years

__all__ = ["any_years", "postgres_stages", "postgres_years", "stage_folder", "years"]
