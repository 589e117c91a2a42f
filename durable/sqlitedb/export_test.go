package sqlitedb

import "github.com/steadgo/stead/durable/internal/census"

// CountQueries are the statements of Counts, with arguments.
var CountQueries = map[string][]any{countOpen: nil, countCompleted: {census.Exact + 1}, countSample: {"[1, 2]"}}
