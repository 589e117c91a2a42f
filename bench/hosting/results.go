package hosting

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Results is everything that one run measured, with every round.
type Results struct {
	When     time.Time     `json:"when"`
	Machine  Machine       `json:"machine"`
	Series   []Series      `json:"series"`
	Graphs   []GraphResult `json:"graphs,omitempty"`
	Binaries []Binary      `json:"binaries,omitempty"` // the empty program first
	Targets  []Target      `json:"targets"`
}

// Machine is what the results hold for.
type Machine struct {
	Commit string `json:"commit"` // "+changes" when the tree is not that of the commit
	Go     string `json:"go"`
	OS     string `json:"os"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Load   string `json:"load"` // average of the last minute when the run began
}

// ThisMachine looks at the machine and at the repository in dir. What it cannot
// find out is empty.
func ThisMachine(ctx context.Context, dir string) Machine {
	commit := git(ctx, dir, "rev-parse", "--short=12", "HEAD")
	if commit != "" && git(ctx, dir, "status", "--porcelain", "--untracked-files=no") != "" {
		commit += "+changes"
	}
	load, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(load), " ")
	return Machine{
		Commit: commit, Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: cpuModel(), Cores: runtime.GOMAXPROCS(0), Load: first,
	}
}

func git(ctx context.Context, dir string, args ...string) string {
	cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // called with constants
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Save writes the results as JSON and makes the directory for it.
func (r Results) Save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
