package mongodb

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Limits a real server has, told to drivers at hello.
const (
	maxDocument   = 16 << 20
	maxWriteBatch = 100_000
)

// command is one command of the server: its options besides the general ones, and what it does.
type command struct {
	options map[string]option
	run     func(*Server, *request) (bson.D, error)
}

// lenient are the options of a command whose fields a real server does not read.
var lenient = map[string]option{anything: ignored}

// outsideStableAPI are the commands that a client asking for the stable API alone may not use.
var outsideStableAPI = map[string]bool{
	"isMaster": true, "ismaster": true, "buildInfo": true, "buildinfo": true, "killAllSessions": true,
	"killSessions": true, "renameCollection": true,
}

// commands is what the server knows. Old and new spellings stand side by side as drivers send both.
var commands = map[string]command{
	"hello":    {helloOptions, (*Server).hello},
	"isMaster": {helloOptions, (*Server).hello},
	"ismaster": {helloOptions, (*Server).hello},

	"ping":            {lenient, (*Server).nothing},
	"endSessions":     {nil, (*Server).nothing},
	"refreshSessions": {nil, (*Server).nothing},
	"killAllSessions": {nil, (*Server).nothing},
	"killSessions":    {nil, (*Server).nothing},
	"buildInfo":       {lenient, (*Server).buildInfo},
	"buildinfo":       {lenient, (*Server).buildInfo},

	"insert": {writeOptions("documents"), (*Server).insert},
	"update": {writeOptions("updates"), (*Server).update},
	"delete": {writeOptions("deletes"), (*Server).delete},

	"find":        {findOptions, (*Server).find},
	"getMore":     {map[string]option{"collection": used, "batchSize": used, "term": off}, (*Server).getMore},
	"killCursors": {map[string]option{"cursors": used}, (*Server).killCursors},
	"count":       {countOptions, (*Server).count},
	"aggregate":   {aggregateOptions, (*Server).aggregate},

	"create":           {createOptions, (*Server).create},
	"drop":             {nil, (*Server).drop},
	"dropDatabase":     {nil, (*Server).dropDatabase},
	"renameCollection": {map[string]option{"to": used, "dropTarget": used, "stayTemp": off}, (*Server).renameCollection},
	"listCollections":  {listCollectionsOptions, (*Server).listCollections},
	"listDatabases":    {listDatabasesOptions, (*Server).listDatabases},
	"createIndexes":    {map[string]option{"indexes": used, "commitQuorum": ignored}, (*Server).createIndexes},
	"listIndexes":      {map[string]option{"cursor": used}, (*Server).listIndexes},
	"dropIndexes":      {map[string]option{"index": used}, (*Server).dropIndexes},
}

// nothing acknowledges a command that has nothing to do here.
func (s *Server) nothing(*request) (bson.D, error) { return nil, nil }
