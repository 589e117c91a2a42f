package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ModuleDir finds the module of the benchmarks, even when a command is run from the
// root of the workspace.
func ModuleDir(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/steadgo/stead/bench").Output()
	if err != nil {
		return "", fmt.Errorf("run it inside the repository: go list: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Numbers reads a list such as 10,1000 of numbers from 1.
func Numbers(list string) ([]int, error) {
	var all []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number from 1 in %q", text, list)
		}
		all = append(all, n)
	}
	return all, nil
}

// Choose finds the contenders of a list of names; it returns all for an empty one.
func Choose[C any](list string, all []C, find func(name string) (C, error)) ([]C, error) {
	if list == "" {
		return all, nil
	}
	var chosen []C
	for name := range strings.SplitSeq(list, ",") {
		c, err := find(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, c)
	}
	return chosen, nil
}

// Save writes results as JSON and makes the directory for them.
func Save(path string, results any) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	text, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
