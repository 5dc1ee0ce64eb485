"""Excel and zip files at the door: what comes in is measured, cleaned or refused, what goes out is ready for people.

A sheet is a `SheetSpec`, a list of columns; the blank template, the import, the failed-rows workbook and the export all
come from it. Promises: nothing an upload contains is executed or believed (formulas stay as stored, sizes are counted,
paths are refused); every error of every row is found in one pass and carries the row number Excel shows; a file whose
columns differ from the template is refused as a whole (R-297). Nothing here touches the database: rows go to use cases.
"""
