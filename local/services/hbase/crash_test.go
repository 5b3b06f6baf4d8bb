package hbase

const crashDirEnv = "FEEDSTREAM_HBASE_CRASH_DIR"

func crashServer(string) {}
