// Open-loop load: each request is sent when it is due, whatever became of those before, to one target after the other.
// It says over HTTP what became of them. No request is repeated: one that a connection lost is a failure.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

type target struct {
	Name string `json:"name"`
	// Host and port.
	Address string `json:"address"`
	Host    string `json:"host"`
}

type failure struct {
	// Milliseconds since 1970: when the request was due, and when it was over.
	DueAt   int64  `json:"dueAt"`
	EndedAt int64  `json:"endedAt"`
	Target  string `json:"target"`
	What    string `json:"what"`
}

type report struct {
	Sent     int `json:"sent"`
	Answered int `json:"answered"`
	Failed   int `json:"failed"`
	// The first of them.
	Failures []failure `json:"failures"`
	// Answers by target and version.
	Answers map[string]map[string]int `json:"answers"`
	// Upper ends of the tenths of a millisecond, from when a request was due.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

const (
	patience     = 15 * time.Second
	warmUp       = 20.0
	connections  = 64
	keptFailures = 1000
	tenths       = int(patience/(100*time.Microsecond)) + 2
)

type totals struct {
	sync.Mutex
	report
	// Requests by the tenths of a millisecond that they took.
	took    [tenths]int
	cookies map[string]string
}

func main() {
	var targets []target
	must(json.Unmarshal([]byte(os.Getenv("TARGETS")), &targets))
	rate, err := strconv.ParseFloat(os.Getenv("REQUESTS_PER_SECOND"), 64)
	must(err)
	all := &totals{cookies: map[string]string{}}
	all.Answers = map[string]map[string]int{}
	all.Failures = []failure{}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		must(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), all))
	}()
	send(targets, rate, all, stop)
}

func send(targets []target, rate float64, all *totals, stop <-chan os.Signal) {
	client := &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var underWay sync.WaitGroup
	startedAt := time.Now()
	for index := 0; ; index++ {
		dueAt := startedAt.Add(dueAfter(float64(index), rate))
		select {
		case <-stop:
			underWay.Wait()
			return
		case <-time.After(time.Until(dueAt)):
		}
		underWay.Add(1)
		go func() {
			defer underWay.Done()
			ask(client, targets[index%len(targets)], index/len(targets), dueAt, all)
		}()
	}
}

// The rate grows evenly until it is reached: every first request of a connection costs a handshake.
func dueAfter(index, rate float64) time.Duration {
	seconds := warmUp/2 + index/rate
	if seconds < warmUp {
		seconds = math.Sqrt(2 * warmUp * index / rate)
	}
	return time.Duration(seconds * float64(time.Second))
}

// Of ten requests three are orders; two users of ten are known by a header and by the cookie that they were given.
func ask(client *http.Client, to target, turn int, dueAt time.Time, all *totals) {
	method, path := "GET", "/"
	if turn%10 >= 7 {
		method, path = "POST", "/orders"
	}
	tries := 0
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { tries++ }}
	request, err := http.NewRequest(method, "http://"+to.Address+path, nil)
	must(err)
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), trace))
	request.Host = to.Host
	isKnown := turn%5 == 0
	if isKnown {
		request.Header.Set("x-group", "beta")
		if cookie := all.cookie(to.Name); cookie != "" {
			request.Header.Set("cookie", cookie)
		}
	}
	all.begin()
	version, cookie, what := exchange(client, request)
	if what == "" && tries > 1 {
		what = "the connection broke before the answer"
	}
	if what != "" {
		what = method + " " + what
	}
	all.end(to.Name, version, what, dueAt)
	if isKnown && cookie != "" {
		all.keepCookie(to.Name, cookie)
	}
}

func exchange(client *http.Client, request *http.Request) (version, cookie, what string) {
	response, err := client.Do(request)
	if err != nil {
		return "none", "", err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	version = response.Header.Get("x-version")
	if version == "" {
		version = "none"
	}
	if err != nil {
		return version, "", err.Error()
	}
	for _, given := range response.Cookies() {
		cookie = given.Name + "=" + given.Value
	}
	if response.StatusCode >= 400 || version == "none" {
		what = fmt.Sprintf("answered %d: %.200s", response.StatusCode, body)
	}
	return version, cookie, what
}

func (all *totals) begin() {
	all.Lock()
	defer all.Unlock()
	all.Sent++
}

func (all *totals) end(name, version, what string, dueAt time.Time) {
	now := time.Now()
	all.Lock()
	defer all.Unlock()
	all.took[min(int(now.Sub(dueAt)/(100*time.Microsecond)), tenths-1)]++
	if what != "" {
		all.Failed++
		if len(all.Failures) < keptFailures {
			all.Failures = append(all.Failures, failure{dueAt.UnixMilli(), now.UnixMilli(), name, what})
		}
		return
	}
	all.Answered++
	if all.Answers[name] == nil {
		all.Answers[name] = map[string]int{}
	}
	all.Answers[name][version]++
}

func (all *totals) cookie(name string) string {
	all.Lock()
	defer all.Unlock()
	return all.cookies[name]
}

func (all *totals) keepCookie(name, cookie string) {
	all.Lock()
	defer all.Unlock()
	all.cookies[name] = cookie
}

func (all *totals) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/healthz" {
		return
	}
	all.Lock()
	defer all.Unlock()
	all.P50, all.P99, all.Max = all.quantile(0.5), all.quantile(0.99), all.quantile(1)
	response.Header().Set("content-type", "application/json")
	// Whoever asked may have left.
	_ = json.NewEncoder(response).Encode(all.report)
}

func (all *totals) quantile(share float64) float64 {
	ended, seen := all.Answered+all.Failed, 0
	for index, count := range all.took {
		seen += count
		if seen > 0 && float64(seen) >= share*float64(ended) {
			return float64(index+1) / 10
		}
	}
	return 0
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
