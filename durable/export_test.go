package durable

// KeyIndex is for the test that the engine's index is used.
var KeyIndex = keyIndex
