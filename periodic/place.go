package periodic

import (
	"flag"
	"os"
	"strconv"
	"sync"
	"time"
)

// Where jobs lie within their period and their jitter.

// placeOf is what spreads the jobs of a process, and the processes that have a job
// of one name. It is the same for a process with the same host name and process
// number, which is what a container has after a restart. In a test program it is
// that of the name alone: what is seen there is to be seen again.
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
	host, _ := os.Hostname() // without one, the number has to do
	return host + " " + strconv.Itoa(os.Getpid())
})

// spread maps a hash onto [0, room).
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

// mix is the finalizer of MurmurHash3; FNV alone leaves names that differ in
// their last letter close together.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
