package periodic

import (
	"flag"
	"os"
	"strconv"
	"sync"
	"time"
)

// This file places jobs within their period and their jitter.

// placeOf returns a hash that spreads the jobs of a process, and the processes that
// have a job of one name. It is the same for a process with the same host name and
// process ID, as a container has after a restart. In a test program it depends on
// the name only, so that tests are reproducible.
func placeOf(name string) uint64 {
	if flag.Lookup("test.v") != nil {
		return placeIn(name, "")
	}
	return placeIn(name, process())
}

func placeIn(name, process string) uint64 {
	if process == "" {
		return seedOf(name)
	}
	return seedOf(name) ^ mix(seedOf(process))
}

var process = sync.OnceValue(func() string {
	host, _ := os.Hostname() // if unknown, the process ID has to do
	return host + " " + strconv.Itoa(os.Getpid())
})

// spread maps a hash to [0, room).
func spread(hash uint64, room time.Duration) time.Duration {
	return time.Duration(mix(hash) % uint64(room))
}

// seedOf is FNV-1a, which is the same on every machine.
func seedOf(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

// mix is the finalizer of MurmurHash3. FNV alone leaves names close together that
// differ in their last letter.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
