package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/steadgo/stead/bench"
)

// record is the file of raw results.
type record struct {
	Time       time.Time      `json:"time"`
	Commit     string         `json:"commit"` // with "+" when the tree has changes
	Go         string         `json:"go"`
	OS         string         `json:"os"`
	CPU        string         `json:"cpu"`
	Processor  string         `json:"processor"` // by maker, name, family and model: several have the same CPU
	Load       string         `json:"load"`      // the average of the last minute when the run began
	CPUs       int            `json:"cpus"`
	GOMAXPROCS int            `json:"gomaxprocs"`
	Rounds     int            `json:"rounds"`
	Round      string         `json:"round"`
	Missed     []string       `json:"missed"`
	Results    []bench.Result `json:"results"`
}

func newRecord(rounds int, round time.Duration) *record {
	return &record{
		Time:       time.Now().UTC().Truncate(time.Second),
		Commit:     commit(),
		Go:         runtime.Version(),
		OS:         runtime.GOOS + "/" + runtime.GOARCH,
		CPU:        cpu("model name"),
		Processor:  processor(),
		Load:       load1(),
		CPUs:       runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Rounds:     rounds,
		Round:      round.String(),
	}
}

func commit() string {
	head := git("rev-parse", "--short", "HEAD")
	switch {
	case head == "":
		return "unknown"
	case git("status", "--porcelain", "--untracked-files=no") != "":
		return head + "+"
	}
	return head
}

// git is what the command prints, or nothing if it fails.
func git(args ...string) string {
	out, err := exec.CommandContext(context.Background(), "git", args...).Output() //nolint:gosec // constant arguments
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// cpu is what the system tells of the processor under a key, "unknown" without.
func cpu(key string) string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(info)) {
		if k, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

var noName = regexp.MustCompile(`\(R\)|\(TM\)|Processor|CPU|@.*`)

// processor is such as "intel-xeon-6-167", which is also a good name for a folder.
func processor() string {
	name := noName.ReplaceAllString(cpu("model name"), "") + " " + cpu("cpu family") + " " + cpu("model")
	return strings.ToLower(strings.Join(strings.Fields(name), "-"))
}

func load1() string {
	load, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(load), " ")
	return first
}

// save writes the results and a plot for each kind of case into the folder of this
// processor in dir.
func (r *record) save(dir string) error {
	dir = filepath.Join(dir, r.Processor)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%s", r.Time.Format("20060102-150405"), strings.TrimSuffix(r.Commit, "+"))
	files := map[string][]byte{name + ".json": raw}
	for kind, svg := range plots(r) {
		files[name+"-"+kind+".svg"] = svg
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			return err
		}
	}
	fmt.Printf("results and plots: %s/%s*\n", dir, name)
	return nil
}
