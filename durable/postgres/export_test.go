package postgres

import "github.com/steadgo/stead/durable/internal/census"

// OnlyByIndex is what goes before them.
const OnlyByIndex = onlyByIndex

// CountQueries are the statements of Counts, with arguments.
var CountQueries = map[string][]any{countOpen: nil, countCompleted: {census.Exact + 1}, countSample: {[]int64{1, 2}}}
