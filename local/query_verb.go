package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	fc "github.com/aliyun/fc-go-sdk"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"feedstream/shared/feed"
)

func queryCommand() *cobra.Command {
	var data, code, row, cursor string
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "query",
		Short:   "Rows by stock code, newest first, or one row by its key",
		Example: "  feedstream query --code 2318.HK\n  feedstream query --row '192.168.2.17|2318.HK' --json",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (code == "") == (row == "") {
				return usageError{fmt.Errorf("give either --code or --row")}
			}
			running, err := runningStack(data)
			if err != nil {
				return err
			}
			path := "/stocks/" + url.PathEscape(code) + fmt.Sprintf("?limit=%d", limit)
			if cursor != "" {
				path += "&cursor=" + url.QueryEscape(cursor)
			}
			if row != "" {
				path = "/rows/" + url.PathEscape(row)
			}
			body, err := running.get("feed-query", path)
			if err != nil {
				return err
			}
			if asJSON {
				_, err = cmd.OutOrStdout().Write(body)
				return err
			}
			return renderRows(cmd.OutOrStdout(), body, row != "")
		},
	}
	cmd.Flags().StringVar(&code, "code", "", "stock code, such as 2318.HK")
	cmd.Flags().StringVar(&row, "row", "", "row key, such as 192.168.2.17|2318.HK")
	cmd.Flags().IntVar(&limit, "limit", 20, "most rows, up to 1000")
	cmd.Flags().StringVar(&cursor, "cursor", "", "go on after an earlier page, with what it printed as next")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what the function answers")
	addDataFlag(cmd, &data)
	return cmd
}

func renderRows(w io.Writer, body []byte, single bool) error {
	var page struct {
		Items []feed.Record `json:"items"`
		Next  string        `json:"next"`
	}
	if single {
		page.Items = make([]feed.Record, 1)
		if err := json.Unmarshal(body, &page.Items[0]); err != nil {
			return err
		}
	} else if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	out := table.NewWriter()
	out.SetOutputMirror(w)
	out.AppendHeader(table.Row{"row key", "time", "name", "price", "matched", "reference"})
	for _, r := range page.Items {
		price := ""
		if r.LastPrice != nil {
			price = r.LastPrice.String()
		}
		out.AppendRow(table.Row{r.RowKey(), feed.FormatTime(r.Time), r.StockName, price, r.Matched, r.ReferenceVersion})
	}
	out.Render()
	if page.Next != "" {
		fmt.Fprintf(w, "there are more: --cursor %s\n", page.Next)
	}
	return nil
}

// sdk returns a client of the platform at an address, signing with the stack's key.
func (e *endpoints) sdk(address string) (*fc.Client, error) {
	return fc.NewClient(address, "2016-08-15", e.AccessKeyID, e.AccessKeySecret, fc.WithTimeout(120))
}

// get calls an HTTP trigger with a signed request.
func (e *endpoints) get(function, path string) ([]byte, error) {
	base, ok := e.HTTPTriggers[function]
	if !ok {
		return nil, fmt.Errorf("the running stack has no HTTP trigger for %s", function)
	}
	request, err := http.NewRequest(http.MethodGet, base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", function, err)
	}
	// The SDK sends to its own endpoint and takes only path and parameters from the request.
	client, err := e.sdk(request.URL.Scheme + "://" + request.URL.Host)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", function, err)
	}
	response, err := client.DoHttpRequest(request)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", function, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", function, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s: %s", function, response.Status, bytes.TrimSpace(body))
	}
	return body, nil
}
