// Command mutate shows that the tests notice. It makes a copy of the project,
// breaks one thing in it, and runs the one test that should fail; then the next.
// Its argument chooses what is broken: "code" for single lines of this project,
// "deps" for functions of the libraries that it uses, which then do nothing.
//
// It is not a search for mutants nobody thought of. Each entry of its tables
// is a promise that a test would notice if it were broken.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./.ci/mutate code|deps")
		os.Exit(2)
	}
	copied, err := copyProject()
	if err == nil {
		defer func() { _ = os.RemoveAll(copied) }()
		switch os.Args[1] {
		case "code":
			err = mutants(copied)
		case "deps":
			err = stubs(copied)
		default:
			err = fmt.Errorf("unknown argument %q", os.Args[1])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		_ = os.RemoveAll(copied)
		os.Exit(1) //nolint:gocritic // the deferred call is done above
	}
}

// copyProject copies every file that belongs to the project, also those not
// committed yet, and returns where to.
func copyProject() (string, error) {
	list, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return "", fmt.Errorf("list the files: %w", err)
	}
	dir, err := os.MkdirTemp("", "stead-mutate-")
	if err != nil {
		return "", err
	}
	for _, name := range strings.Fields(string(list)) {
		if err := copyFile(filepath.Join(dir, name), name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return dir, err
		}
	}
	return dir, nil
}

func copyFile(to, from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// notices runs one test in dir and says whether it fails, as it should. A test
// that does not compile or is not there is an error and not a success. Some faults need
// a coincidence, so a test that passes has two more tries.
func notices(dir, pkg, test string) error {
	run := exec.Command("go", "test", "-count=3", "-failfast", "-timeout=60s", "-run", "^"+test+"$", pkg)
	run.Dir = dir
	output, err := run.CombinedOutput()
	switch text := string(output); {
	case err == nil && strings.Contains(text, "no tests to run"):
		return fmt.Errorf("there is no %s in %s", test, pkg)
	case err == nil:
		return fmt.Errorf("%s passes", test)
	case strings.Contains(text, "--- FAIL: "+test), strings.Contains(text, "panic: test timed out"):
		return nil
	case strings.Contains(text, "panic: ") && strings.Contains(text, "."+test): // in a bubble it is not caught
		return nil
	default:
		return fmt.Errorf("%s did not get to run:\n%s", test, text)
	}
}

// report prints one line for each attempt and turns the misses into one error.
type report struct{ missed int }

func (r *report) add(what string, err error) {
	if err == nil {
		fmt.Println("noticed    ", what)
		return
	}
	r.missed++
	fmt.Println("NOT NOTICED", what+":", err)
}

func (r *report) err() error {
	if r.missed > 0 {
		return fmt.Errorf("%d not noticed", r.missed)
	}
	return nil
}
