package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A source returns the files of a program by their names; address is free.
type source func(t tree, address string) (map[string][]byte, error)

// listening gives a program the address instead of its own.
func listening(code []byte, address string) []byte {
	address = fmt.Sprintf("%q", address)
	return []byte(strings.NewReplacer(`":8080"`, address, `"localhost:8080"`, address, `":8081"`, address,
		`"127.0.0.1:8081"`, `"127.0.0.1:0"`).Replace(string(code)))
}

// page takes the first program of a page that contains the text.
func page(file, contains string) source {
	return func(t tree, address string) (map[string][]byte, error) {
		text, err := os.ReadFile(filepath.Join(t.dir, file))
		if err != nil {
			return nil, err
		}
		for _, block := range strings.Split(string(text), "```go\n")[1:] {
			code, _, _ := strings.Cut(block, "```\n")
			if strings.Contains(code, "func main()") && strings.Contains(code, contains) {
				return map[string][]byte{"main.go": listening([]byte(code), address)}, nil
			}
		}
		return nil, fmt.Errorf("%s has no program with %s", file, contains)
	}
}

// folder takes a program of consumers/.
func folder(name string) source {
	return func(_ tree, address string) (map[string][]byte, error) {
		code, err := os.ReadFile(filepath.Join(".ci", "release", "consumers", name, "main.go"))
		return map[string][]byte{"main.go": listening(code, address)}, err
	}
}

// example copies the files of an example, without its tests.
func example(name string) source {
	return func(t tree, address string) (map[string][]byte, error) {
		paths, err := filepath.Glob(filepath.Join(t.dir, "examples", name, "*.go"))
		files := map[string][]byte{}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			text, failed := os.ReadFile(path)
			err = errors.Join(err, failed)
			files[filepath.Base(path)] = listening(text, address)
		}
		return files, err
	}
}

// gonew copies the template as gonew does: out of the module that was fetched, with
// another module path and nothing else changed.
func gonew(t tree, address string) (map[string][]byte, error) {
	const module = root + "/template/worker"
	out, err := t.command(t.temp, "go", "mod", "download", "-json", module+"@"+t.version)
	if err != nil {
		return nil, err
	}
	found := regexp.MustCompile(`"Dir": "([^"]+)"`).FindSubmatch(out)
	if found == nil {
		return nil, fmt.Errorf("no folder in %s", out)
	}
	files := map[string][]byte{}
	err = filepath.WalkDir(string(found[1]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		text = bytes.ReplaceAll(text, []byte(module), []byte("example.com/program"))
		files[d.Name()] = listening(text, address)
		return err
	})
	return files, err
}

// get asks until the page has what is wanted: the line that a service prints may come while
// the program still starts.
func get(path, want string) func(string) error {
	return func(address string) (err error) {
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if err = look("http://"+address+path, want); err == nil {
				return nil
			}
		}
		return err
	}
}

func look(page, want string) error {
	resp, err := http.Get(page) //nolint:gosec,noctx // the program is beside us
	if err != nil {
		return err
	}
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	if !strings.Contains(body.String(), want) {
		err = errors.Join(err, fmt.Errorf("%s has no %q: %s %s", page, want, resp.Status, body.String()))
	}
	return errors.Join(err, resp.Body.Close())
}

func signUp(path string, want int) func(string) error {
	return func(address string) error {
		resp, err := http.PostForm("http://"+address+path, url.Values{"email": {"ada@example.com"}}) //nolint:noctx // as get
		if err != nil {
			return err
		}
		if resp.StatusCode != want {
			err = errors.New(resp.Status)
		}
		return errors.Join(err, resp.Body.Close())
	}
}
