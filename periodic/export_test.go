package periodic

// For tests from outside.
var (
	PlaceOf = placeOf
	PlaceIn = placeIn
)
