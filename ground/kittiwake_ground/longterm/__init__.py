"""Long history: what is archived as Parquet files by day, and questions in SQL over them.

The files outlive the archive's retention. They lie as `KIND/deployment=NAME/day=YYYY-MM-DD/part.parquet`, as Hive has
partitions, so that DuckDB, pandas, Spark and others read them without us. Needs the extra `history`: pyarrow to write,
DuckDB to ask.
"""
