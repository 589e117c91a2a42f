package postgres

import "github.com/steadgo/stead/durable/internal/census"

// OnlyByIndex is what goes before them.
const OnlyByIndex = onlyByIndex

// CountQueries are the statements of Counts, and that of Due, with arguments.
var CountQueries = map[string][]any{firstDue: {[]string{"mail"}}, countOpen: nil, countCompleted: {census.Exact + 1}, countSample: {[]int64{1, 2}}}
