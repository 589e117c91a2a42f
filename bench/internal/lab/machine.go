// Package lab is what the measurements have in common: on which machine, the
// spread of the rounds, the targets, the file of the raw results, and the flags
// of the commands.
package lab

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Machine is what the results hold for.
type Machine struct {
	Commit string `json:"commit"` // "+changes" when the tree is not that of the commit
	Go     string `json:"go"`
	OS     string `json:"os"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Load   string `json:"load"` // average of the last minute when the run began
}

// String returns the line above the tables.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %s, %d cores, %s, load %s, commit %s", m.Go, m.CPU, m.Cores, m.OS, m.Load, m.Commit)
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
