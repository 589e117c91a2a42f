package sqlitedb

import "github.com/steadgo/stead/durable/internal/census"

// CountQueries are the statements of Counts, and that of Due, with arguments.
var CountQueries = map[string][]any{firstDue: {`["mails"]`}, countOpen: nil, countCompleted: {census.Exact + 1}, countSample: {"[1, 2]"}}
