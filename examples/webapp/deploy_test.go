package main

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// The files in deploy/ are held against the program: its own flags are parsed, its
// own pages asked, and its budgets compared with those of the platform.

const deployed = "../../deploy"

// manifest is what these tests look at in a Kubernetes object.
type manifest struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Selector map[string]any `yaml:"selector"`
		Ports    []struct {
			TargetPort string `yaml:"targetPort"`
		} `yaml:"ports"`
		Template struct {
			Metadata struct {
				Labels map[string]any `yaml:"labels"`
			} `yaml:"metadata"`
			Spec struct {
				Grace      int         `yaml:"terminationGracePeriodSeconds"`
				Containers []container `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type container struct {
	Args []string `yaml:"args"`
	Env  []struct {
		Name string `yaml:"name"`
	} `yaml:"env"`
	Ports []struct {
		Name string `yaml:"name"`
		Port int    `yaml:"containerPort"`
	} `yaml:"ports"`
	Lifecycle any    `yaml:"lifecycle"`
	Startup   *probe `yaml:"startupProbe"`
	Liveness  *probe `yaml:"livenessProbe"`
	Readiness *probe `yaml:"readinessProbe"`
}

type probe struct {
	Get struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
	Period    int `yaml:"periodSeconds"`
	Threshold int `yaml:"failureThreshold"`
}

func manifests(t *testing.T) map[string]manifest {
	t.Helper()
	file, err := os.Open(filepath.Join(deployed, "kubernetes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	all := map[string]manifest{}
	for documents := yaml.NewDecoder(file); ; {
		var m manifest
		switch err := documents.Decode(&m); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all[m.Kind+" "+m.Metadata.Name] = m
	}
}

// parsed is the configuration that a command line gives; a store is what every
// container has from its environment.
func parsed(t *testing.T, args []string, env map[string]string) config {
	t.Helper()
	var said strings.Builder
	cfg, err := parse(args, func(name string) string { return env[name] }, &said)
	if err != nil {
		t.Fatalf("%q: %s", args, said.String())
	}
	if cfg.store.kind != "postgres" {
		t.Errorf("%q: the store is %q", args, cfg.store.kind)
	}
	return cfg
}

func (m manifest) config(t *testing.T) (container, config) {
	t.Helper()
	if len(m.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("%s has %d containers", m.Metadata.Name, len(m.Spec.Template.Spec.Containers))
	}
	c := m.Spec.Template.Spec.Containers[0]
	env := map[string]string{}
	for _, v := range c.Env {
		env[v.Name] = map[string]string{"WEBAPP_STORE": "postgres://of/secret", "WEBAPP_ADMIN_TOKEN": "token"}[v.Name]
		if env[v.Name] == "" {
			t.Errorf("%s sets %s, which the program does not read", m.Metadata.Name, v.Name)
		}
	}
	return c, parsed(t, c.Args, env)
}

func TestKubernetesMigratesWithTheProgram(t *testing.T) {
	if _, cfg := manifests(t)["Job webapp-migrate"].config(t); !cfg.migrate {
		t.Errorf("%+v", cfg)
	}
}

func TestKubernetesGivesEveryPodTheTimeThatItsStopMayTake(t *testing.T) {
	all := manifests(t)
	for _, role := range []role{web, worker} {
		t.Run(string(role), func(t *testing.T) {
			m := all["Deployment webapp-"+string(role)]
			c, cfg := m.config(t)
			if cfg.role != role || cfg.migrate || cfg.adminToken == "" {
				t.Errorf("the arguments %q mean %+v", c.Args, cfg)
			}
			if grace := time.Duration(m.Spec.Template.Spec.Grace) * time.Second; grace < cfg.shutdown+2*time.Second {
				t.Errorf("a grace of %v for a stop of %v leaves no margin", grace, cfg.shutdown)
			}
			if c.Lifecycle != nil {
				t.Error("a hook takes its time out of the grace period, and -drain-delay does the same")
			}
			// Whoever relies on readiness notices within the drain delay.
			if notices := c.Readiness.within(); role == web && notices >= cfg.drain {
				t.Errorf("unready is noticed after %v, and the drain delay is %v", notices, cfg.drain)
			}
			if role == worker && cfg.smtp == "" {
				t.Error("the mails go nowhere")
			}
		})
	}
}

func (p *probe) within() time.Duration {
	return time.Duration(p.Period) * time.Second * time.Duration(max(p.Threshold, 1))
}

func TestKubernetesProbesWhatTheProgramAnswers(t *testing.T) {
	all := manifests(t)
	for _, role := range []role{web, worker} {
		t.Run(string(role), func(t *testing.T) {
			m := all["Deployment webapp-"+string(role)]
			c, cfg := m.config(t)
			_, port, err := net.SplitHostPort(cfg.addr)
			if err != nil || len(c.Ports) != 2 || strconv.Itoa(c.Ports[0].Port) != port {
				t.Fatalf("it listens on %q and shows %+v", cfg.addr, c.Ports)
			}
			s := newSite(t, 1)
			s.role = role
			if err := s.host.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.host.Stop(t.Context()) }()
			for path, p := range map[string]*probe{"/livez": c.Liveness, "/readyz": c.Readiness} {
				if code, _, body := s.serve(httptest.NewRequest(http.MethodGet, p.Get.Path, nil)); p.Get.Path != path || code != http.StatusOK || body != "ok\n" {
					t.Errorf("%s, which is to be %s: %d %q", p.Get.Path, path, code, body)
				}
			}
			for _, p := range []*probe{c.Startup, c.Liveness, c.Readiness} {
				if p.Get.Port != c.Ports[0].Name {
					t.Errorf("a probe of port %q", p.Get.Port)
				}
			}
		})
	}
	service := all["Service webapp"]
	labels := all["Deployment webapp-web"].Spec.Template.Metadata.Labels
	for key, value := range service.Spec.Selector {
		if labels[key] != value {
			t.Errorf("the service looks for %s=%v, the pods have %v", key, value, labels)
		}
	}
	if len(service.Spec.Ports) != 1 || service.Spec.Ports[0].TargetPort != "http" {
		t.Errorf("the service's ports: %+v", service.Spec.Ports)
	}
}

// Whoever reaches the shop reaches neither the dashboard nor the numbers.
func TestNoServicePublishesTheDashboardOrTheMetrics(t *testing.T) {
	all := manifests(t)
	for _, role := range []role{web, worker} {
		c, cfg := all["Deployment webapp-"+string(role)].config(t)
		_, port, err := net.SplitHostPort(cfg.adminAddr)
		if err != nil || cfg.adminAddr == cfg.addr || cfg.adminHosts != nil || strconv.Itoa(c.Ports[1].Port) != port || c.Ports[1].Name != "ops" {
			t.Errorf("%s: the dashboard is at %q for %q, the ports are %+v", role, cfg.adminAddr, cfg.adminHosts, c.Ports)
		}
		s := newSite(t, 1)
		s.role = role
		for _, path := range []string{"/admin/", "/admin/queues", "/metrics", "/admin"} {
			w := httptest.NewRecorder()
			s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: the page's own server answers %s with %d", role, path, w.Code)
			}
		}
	}
	for name, m := range all {
		for _, p := range m.Spec.Ports {
			if m.Kind == "Service" && p.TargetPort != "http" {
				t.Errorf("%s publishes %q", name, p.TargetPort)
			}
		}
	}
}

func TestComposeRunsTheProgramWithinItsBudgets(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deployed, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Build struct {
				Context    string `yaml:"context"`
				Dockerfile string `yaml:"dockerfile"`
			} `yaml:"build"`
			Command     []string                     `yaml:"command"`
			Environment map[string]string            `yaml:"environment"`
			Ports       []string                     `yaml:"ports"`
			Grace       time.Duration                `yaml:"stop_grace_period"`
			DependsOn   map[string]map[string]string `yaml:"depends_on"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(filepath.Join(deployed, file.Services["migrate"].Build.Context, file.Services["migrate"].Build.Dockerfile))
	if err != nil {
		t.Fatal(err)
	}
	set := regexp.MustCompile(`ENV (WEBAPP_ADDR)=(\S+)`).FindStringSubmatch(string(image))
	exposed := regexp.MustCompile(`EXPOSE (\d+)`).FindStringSubmatch(string(image))
	if set == nil || exposed == nil || !strings.Contains(string(image), `ENTRYPOINT ["/webapp"]`) {
		t.Fatalf("the image sets %q and exposes %q", set, exposed)
	}

	migrate := file.Services["migrate"]
	if cfg := parsed(t, migrate.Command, migrate.Environment); !cfg.migrate {
		t.Errorf("migrate: %q", migrate.Command)
	}
	for _, role := range []role{web, worker} {
		s := file.Services[string(role)]
		env := map[string]string{set[1]: set[2]}
		maps.Copy(env, s.Environment)
		cfg := parsed(t, s.Command, env)
		if cfg.role != role || s.Grace < cfg.shutdown+2*time.Second {
			t.Errorf("%s: a grace of %v for %+v", role, s.Grace, cfg)
		}
		if _, port, err := net.SplitHostPort(cfg.addr); err != nil || port != exposed[1] || len(s.Ports) != 2 || !strings.HasSuffix(s.Ports[0], ":"+port) || !strings.HasSuffix(s.Ports[1], cfg.adminAddr) || !strings.HasPrefix(s.Ports[1], "127.0.0.1:") {
			t.Errorf("%s: it listens on %q, the image exposes %s, published is %q", role, cfg.addr, exposed[1], s.Ports)
		}
		if cfg.adminHosts != nil {
			t.Errorf("%s: in a container nobody asks for %q", role, cfg.adminHosts)
		}
		if s.DependsOn["migrate"]["condition"] != "service_completed_successfully" {
			t.Errorf("%s does not wait for the tables: %v", role, s.DependsOn)
		}
	}
}
