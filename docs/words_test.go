package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// avoid has what comments, pages, logs and errors do not say, and what to write
// instead. The patterns ignore case and match whole words.
var avoid = map[string]string{
	// One word means one thing.
	`for good|set aside|put away`:         `"gave up" of an item that failed for the last time, "parked" of one that waits`,
	`tall(y|ies)|books of`:                `counts`,
	`left-over|(?-i:LeftOver)|left_over`:  `leftover`,
	`tries? again|tried again|made again`: `retry`,
	`left behind|leaves? behind`:          `abandoned; straggler`,
	`still on|that (is|are) on|(is|are) on (at|beside)|while (it|one|a run) is on`: `running`,

	// The state of a thing, in the words of the field.
	`(context|ctx)('s)? (has |have |had )?ends?(ed)?|contexts end|ends (its|the|their) contexts?`: `a context is canceled or done`,
	`(is|are|was|were) away|away when`:                             `unreachable`,
	`(began|begins?|begun|made|makes|built|builds?|created?) anew`: `restart, recreate`,
	`mend(s|ed|ing)?`:                      `fix`,
	`is over|are over|was over|time is up`: `expired, has ended`,
	`looks? after|see(s|n)? to it|sees to`: `run, watch`,
	`(gives?|gave|given|giving) (it|them|the lead|the lease|the lock)? ?back`: `release, return`,
	`told (that|to) stop|asks? itself`:                                        `stopped`,

	// A noun is the subject, and a function does something.
	aFunctionIs: `Name returns, reports whether, creates, starts ...`,
	`whoever|those (who|that)|who (is|are|has|have) (not|no)|of one's own|one's own`: `name the thing`,
	`somebody else's|somebody`: `name who: the user, another process`,

	// Conditions begin with if or when.
	`all the same|also (when|if)|should (it|they|there)|be it|as (the case|may be)`: `if, when, nevertheless`,
	`(^|[.;:] |\()(zero|nil|empty|0)( is|:) `:                                       `If zero, X is used. If nil, ...`,

	// American spelling.
	`cancell(ed|ing|er)|behaviou?rs?ly|(behavi|col|fav|hon|neighb)our\w*|(serial|initial|organ|recogn|normal)is(e|ed|es|ing)|modelled|labelled|licence|whilst`: `canceled, behavior, serialize`,
}

// later are the packages and pages whose words are still to come. None may be added.
var later = []string{"CHANGELOG.md"}

func isLater(path string) bool {
	return slices.ContainsFunc(later, func(l string) bool { return path == l || strings.HasPrefix(path, l+"/") })
}

// avoided is compiled once, in a fixed order.
var avoided = func() (all []*regexp.Regexp) {
	for _, pattern := range slices.Sorted(maps.Keys(avoid)) {
		all = append(all, regexp.MustCompile(`(?i)(?:\b|^)(?:`+pattern+`)(?:\b|$)`))
	}
	return all
}()

// wrong returns what a text says that it should not, with what to write instead.
func wrong(text string) (all []string) {
	text = strings.Join(strings.Fields(text), " ")
	for i, pattern := range slices.Sorted(maps.Keys(avoid)) {
		if found := avoided[i].FindString(text); found != "" {
			all = append(all, strconv.Quote(found)+"; write: "+avoid[pattern])
		}
	}
	return all
}

func TestTheListOfWordsFindsThemAndNoOthers(t *testing.T) {
	for _, text := range []string{
		"The item failed for good.", "It begins anew.", "when the context ends", "Nil: that of the host.", "the store is away", "a cancelled wait",
		"Whoever waits.", "its timeout is over", "left_over", "Should it fail",
	} {
		if len(wrong(text)) == 0 {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{
		"The item gave up.", "The job restarts.", "If nil, the logger of the host is used.", "a canceled wait", "Leftover returns 0.", "cancellation",
	} {
		if found := wrong(text); found != nil {
			t.Errorf("%q: %s", text, found)
		}
	}
}

func TestTheWordsAreThoseOfTheGlossary(t *testing.T) {
	checked := 0
	check := func(where, text string) {
		checked++
		for _, found := range wrong(text) {
			t.Errorf("%s: %s", where, found)
		}
	}
	for page, text := range pages(t) {
		if !isLater(page) {
			check(page, code.ReplaceAllString(fences.ReplaceAllString(text, ""), ""))
		}
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		switch {
		case err != nil:
			return err
		case d.IsDir() && (isLater(name) || d.Name() == "testdata" || d.Name() == ".git"):
			return filepath.SkipDir
		case isLater(name) || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		return said(path, check)
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 500 {
		t.Errorf("only %d texts were found", checked)
	}
}

// nominal is a comment that begins with "Name is" or "Name says", which a function does
// not; "Name is [Other] with ..." is a short way to say what it does.
var nominal = regexp.MustCompile(`^[A-Z]\w* (is|says) [^[]`)

const aFunctionIs = "a function is"

// telling are the functions whose texts people read.
var telling = regexp.MustCompile(`^(Debug|Info|Warn|Error|New|Errorf|tell|say|bad|opError)$`)

// said passes each comment of a file, and each text of an error or a log.
func said(path string, check func(where, text string)) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && nominal.MatchString(f.Doc.Text()) {
			check(set.Position(f.Pos()).String(), aFunctionIs)
		}
	}
	for _, group := range file.Comments {
		var prose []string
		for line := range strings.Lines(group.Text()) {
			if !strings.HasPrefix(line, "\t") { // or else it is code
				prose = append(prose, line)
			}
		}
		check(set.Position(group.Pos()).String(), strings.Join(prose, ""))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !telling.MatchString(called(call.Fun)) {
			return true
		}
		for _, arg := range call.Args {
			if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				check(set.Position(lit.Pos()).String(), text)
			}
		}
		return true
	})
	return nil
}

// called is the name of a function or method.
func called(fun ast.Expr) string {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}
