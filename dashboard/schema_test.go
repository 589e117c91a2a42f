package dashboard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/dashboard"
	"github.com/steadgo/stead/lifecycle"
)

// schema is as much of a JSON Schema as this one uses.
type schema struct {
	root map[string]any
	used map[string]bool // properties that were seen, by path
}

// check returns what is wrong with v. An object with properties is closed here,
// though not in the schema itself: a new field must be described, and a client
// with an old schema must still accept it.
func (s *schema) check(at string, rule map[string]any, v any) []string {
	if to, ok := rule["$ref"].(string); ok {
		def := s.root["$defs"].(map[string]any)[strings.TrimPrefix(to, "#/$defs/")].(map[string]any)
		return s.check(strings.TrimPrefix(to, "#/$defs/"), def, v)
	}
	if want, ok := rule["const"]; ok && want != v {
		return []string{fmt.Sprintf("%s is %v, not %v", at, v, want)}
	}
	if allowed, ok := rule["enum"].([]any); ok && !slices.Contains(allowed, v) {
		return []string{fmt.Sprintf("%s is %v, not one of %v", at, v, allowed)}
	}
	wrong := []string{fmt.Sprintf("%s is %v (%T), not %v", at, v, v, rule["type"])}
	switch rule["type"] {
	case "string":
		text, ok := v.(string)
		if !ok {
			return wrong
		}
		if _, err := time.Parse(time.RFC3339, text); rule["format"] == "date-time" && err != nil {
			return []string{at + ": " + err.Error()}
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return wrong
		}
	case "integer", "number":
		n, ok := v.(float64)
		least, bounded := rule["minimum"].(float64)
		if !ok || bounded && n < least || rule["type"] == "integer" && n != float64(int64(n)) {
			return wrong
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			return wrong
		}
		var all []string
		for _, item := range list {
			all = append(all, s.check(at+"[]", rule["items"].(map[string]any), item)...)
		}
		return all
	case "object":
		fields, ok := v.(map[string]any)
		if !ok {
			return wrong
		}
		return s.checkObject(at, rule, fields)
	}
	return nil
}

func (s *schema) checkObject(at string, rule map[string]any, fields map[string]any) (all []string) {
	if each, ok := rule["additionalProperties"].(map[string]any); ok {
		for name, v := range fields {
			all = append(all, s.check(at+"."+name, each, v)...)
		}
		return all
	}
	properties := rule["properties"].(map[string]any)
	for _, name := range rule["required"].([]any) {
		if _, ok := fields[name.(string)]; !ok {
			all = append(all, fmt.Sprintf("%s lacks %v", at, name))
		}
	}
	for name, v := range fields {
		described, ok := properties[name].(map[string]any)
		if !ok {
			all = append(all, fmt.Sprintf("%s has %q, which is not described", at, name))
			continue
		}
		s.used[at+"."+name] = true
		all = append(all, s.check(at+"."+name, described, v)...)
	}
	return all
}

// unused are the properties that were never seen.
func (s *schema) unused(at string, rule map[string]any) (all []string) {
	properties, _ := rule["properties"].(map[string]any)
	for name, described := range properties {
		if !s.used[at+"."+name] {
			all = append(all, at+"."+name)
		}
		d := described.(map[string]any)
		all = append(all, s.unused(at+"."+name, d)...)
		if items, ok := d["items"].(map[string]any); ok {
			all = append(all, s.unused(at+"."+name+"[]", items)...)
		}
	}
	return all
}

func TestTheJSONIsAsItsSchemaSays(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.runFail = lifecycle.Expected(errors.New("no paper"))
		s.host.Go("flaky", failOnce(), restart(time.Minute))
		s.host.Add("newsletter", &cutOff{candidate{since: time.Now()}, time.Now(), errors.New("connection refused")})
		s.host.Add("durable", &custom{Service: stopOnly(stuck)})
		away := newDepot()
		away.away, away.queue.guessed = time.Now(), []string{"completed"}
		s.host.Add("away", away)
		s.host.Add("lists", withLister(&lister{depotQueue: depotQueue{stats: channelq.Stats{Name: "letters"}}, at: time.Now()}))
		s.start(t)
		d := dashboard.New(s.host, dashboard.Config{
			FormatItem: func(string, any) string { return "an item" }, Authorize: allow,
			LastStop: []byte(`{"host":"shop","cause":"deploy","took_seconds":1.5,"clean":true,"services":[],"stragglers":[]}`),
		})
		var root map[string]any
		w := get(t, d, "/api/v1/schema.json")
		if err := json.Unmarshal(w.Body.Bytes(), &root); err != nil {
			t.Fatal(err)
		}
		check := &schema{root, map[string]bool{}}
		query := "history=1"
		ask := func() {
			t.Helper()
			w := get(t, d, "/api/v1/state?"+query)
			if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(got, "application/json") {
				t.Errorf("status %d, type %q", w.Code, got)
			}
			var v any
			if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			for _, wrong := range check.check("state", root, v) {
				t.Error(wrong)
			}
		}
		ask()
		query = "history=1&limit=1"
		ask()
		query = "history=1"
		s.failForGood(t, 2, "broken")
		s.fail(channelq.Permanent(lifecycle.Expected(errors.New("withdrawn"))))
		_ = s.queue.Enqueue(t.Context(), secret{payload})
		synctest.Wait()
		do(d, form("", "verb", "acknowledge", "kind", "queue", "name", "emails"))
		s.fail(errors.New("later"))
		_ = s.queue.Enqueue(t.Context(), secret{payload})
		_ = s.job.Trigger()
		synctest.Wait()
		ask()
		time.Sleep(2 * time.Second)
		ask()
		s.mu.Lock()
		s.runFail = nil
		s.mu.Unlock()
		_ = s.job.Trigger()
		s.workers.Pause()
		synctest.Wait()
		_ = s.queue.Enqueue(t.Context(), secret{payload})
		time.Sleep(2 * time.Minute)
		ask()
		s.host.Lifetime().Stop(errors.New("deploy"))
		time.Sleep(time.Second)
		ask()
		<-s.host.Done()
		ask()
		left := check.unused("state", root)
		for name, def := range root["$defs"].(map[string]any) {
			left = append(left, check.unused(name, def.(map[string]any))...)
		}
		// They need an attempt that waits, and a schedule that hangs.
		left = slices.DeleteFunc(left, func(path string) bool {
			return path == "schedule.retry_at" || path == "schedule.stuck_in_next"
		})
		if len(left) > 0 {
			t.Errorf("described, but never seen by this test: %v", left)
		}
		time.Sleep(time.Hour) // lets the straggler go
	})
}

func TestTheStateInGoIsTheStateInJSON(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shop) {
		s.start(t)
		s.failForGood(t, 1, "broken")
		d := dashboard.New(s.host, dashboard.Config{})
		direct, err := json.Marshal(d.State())
		if err != nil {
			t.Fatal(err)
		}
		if asked := strings.TrimSpace(get(t, d, "/api/v1/state").Body.String()); asked != string(direct) {
			t.Errorf("asked: %s\nin Go: %s", asked, direct)
		}
		var back dashboard.State
		if err := json.Unmarshal(direct, &back); err != nil || back.Queues[0].Failures[0].Error != "broken" {
			t.Errorf("it cannot be read back: %v", err)
		}
	})
}
