//go:build race

package channelq_test

const raceDetector = true
