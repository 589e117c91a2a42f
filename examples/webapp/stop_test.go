package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Every visitor who was told that a mail is on its way gets one, or stands in
// the report: whether there is time to send everything or not.
func TestProgramKeepsEveryPromiseWhenItIsStoppedUnderLoad(t *testing.T) {
	t.Run("time enough", func(t *testing.T) {
		kept := stopUnderLoad(t, 0, "10m")
		if kept.code != 0 || len(kept.left) > 0 {
			t.Errorf("exit code %d, %d left over", kept.code, len(kept.left))
		}
		for address, n := range kept.received {
			if n != 1 {
				t.Errorf("%s got %d mails", address, n)
			}
		}
	})
	t.Run("too little time", func(t *testing.T) {
		kept := stopUnderLoad(t, 20*time.Millisecond, "2s")
		if kept.code != 1 || len(kept.left) == 0 {
			t.Errorf("exit code %d, %d left over; the test is to leave some", kept.code, len(kept.left))
		}
	})
}

type outcome struct {
	code     int
	received map[string]int
	left     []string
}

// stopUnderLoad sends SIGTERM when half of 10,000 sign-ups from 50 clients are
// answered, and compares by address.
func stopUnderLoad(t *testing.T, delay time.Duration, budget string) outcome {
	t.Helper()
	const visitors, clients = 10_000, 50
	box := openPostbox(t, delay)
	p := start(t, nil, "-smtp", box.addr, "-shutdown-timeout", budget)
	p.Patience = 10 * time.Minute
	accepted, unknown := signUpAndStop(p, visitors, clients)
	o := outcome{code: p.ExitCode(), received: box.received(), left: p.written().Leftover}

	kept := map[string]bool{}
	for address := range o.received {
		kept[address] = true
	}
	for _, address := range o.left {
		kept[address] = true
	}
	for address := range accepted {
		if !kept[address] {
			t.Errorf("%s was promised a mail, got none and is not in the report", address)
		}
	}
	for address := range kept {
		if !accepted[address] && !unknown[address] {
			t.Errorf("%s was turned away and got a mail or stands in the report", address)
		}
	}
	t.Logf("accepted %d, received %d, left over %d, no answer %d", len(accepted), len(o.received), len(o.left), len(unknown))
	if len(accepted) < visitors/4 || len(unknown) == 0 {
		t.Errorf("accepted %d, no answer %d: the stop did not come in the middle", len(accepted), len(unknown))
	}
	return o
}

// signUpAndStop lets visitors sign up from as many clients, and sends SIGTERM when
// half of them have their answer. It returns who was told that a mail is on its
// way, and who was told nothing.
func signUpAndStop(p *process, visitors, clients int64) (accepted, unknown map[string]bool) {
	var answered, next atomic.Int64
	var mu sync.Mutex
	accepted, unknown = map[string]bool{}, map[string]bool{}
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := next.Add(1); i <= visitors; i = next.Add(1) {
				address := fmt.Sprintf("visitor-%d@example.com", i)
				resp, err := p.client.Post(p.url+"/signup", "application/json", strings.NewReader(fmt.Sprintf(`{"email":%q}`, address)))
				mu.Lock()
				switch {
				case err != nil:
					unknown[address] = true // refused, or cut off without an answer
				case resp.StatusCode == http.StatusAccepted:
					accepted[address] = true
				case resp.StatusCode != http.StatusServiceUnavailable:
					p.t.Errorf("%s: %s", address, resp.Status)
				}
				mu.Unlock()
				if err == nil {
					_ = resp.Body.Close()
				}
				if answered.Add(1) == visitors/2 {
					p.Signal(syscall.SIGTERM)
				}
			}
		})
	}
	wg.Wait()
	return accepted, unknown
}

func TestProgramEndsInTimeAndNamesAWorkerThatHangs(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"WEBAPP_TEST_HANG_AT=hang@example.com"}, "-shutdown-timeout", "8s")
	p.post(form, "email=hang%40example.com")
	p.Eventually("the worker hangs", func() bool { return metric(p)[`stead_queue_in_progress{queue="emails"}`] == 1 })
	began := time.Now()
	if code := p.Stop(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	// Not a tolerance: without a bound the program would hang for ever.
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %v", took)
	}
	if !strings.Contains(p.Output(), "emails") {
		t.Error("the service is not named on standard error")
	}
	w := p.written()
	if len(w.Leftover) != 1 || w.Leftover[0] != "hang@example.com" {
		t.Errorf("left over: %v", w.Leftover)
	}
	for _, s := range w.Report.Services {
		if (s.Error != "") != (s.Name == "emails") {
			t.Errorf("%s: error %q", s.Name, s.Error)
		}
	}
}

func TestProgramEndsAtOnceOnASecondSignal(t *testing.T) {
	p := start(t, []string{"WEBAPP_TEST_HANG_AT=hang@example.com"}, "-shutdown-timeout", "1h")
	p.post(form, "email=hang%40example.com")
	p.Eventually("the worker hangs", func() bool { return metric(p)[`stead_queue_in_progress{queue="emails"}`] == 1 })
	p.Signal(syscall.SIGTERM)
	p.Eventually("the stop has begun", func() bool { return strings.Contains(p.Output(), "host stopping") })
	p.Signal(syscall.SIGTERM)
	if code := p.ExitCode(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
}

func TestProgramIsUnreadyButServesDuringTheDrainDelay(t *testing.T) {
	p := start(t, nil, "-drain-delay", "9m", "-shutdown-timeout", "10m")
	p.Signal(syscall.SIGINT)
	p.Eventually("it is not ready", func() bool { code, _ := p.get("/readyz"); return code == http.StatusServiceUnavailable })
	if code, _ := p.post(form, "email=late%40example.com"); code != http.StatusAccepted {
		t.Errorf("sign-up during the delay: %d", code)
	}
	p.Signal(syscall.SIGINT) // cuts the delay short
	if code := p.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
