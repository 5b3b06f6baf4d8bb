package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"feedstream/shared/hbase"
	"feedstream/shared/oss"
	"feedstream/shared/phoenix"
	"feedstream/shared/problem"
	"feedstream/shared/reference"
)

// explain is what the caller is told of an error: 503 only when a store does not answer, everything else
// as what it is. Addresses and messages of the stores stay in the log.
func explain(err error) *problem.Problem {
	var (
		row    *phoenix.RowError
		layout *phoenix.LayoutError
	)
	switch {
	case errors.As(err, &row):
		return incomplete(row)
	case errors.As(err, &layout):
		return laidOutOtherwise(layout)
	case errors.Is(err, hbase.ErrTableNotFound):
		return &problem.Problem{Status: http.StatusInternalServerError, Title: "The table does not exist",
			Detail: "HBase has no table or index of the names in HBASE_TABLE and HBASE_INDEX, or Phoenix was never used there.",
			Remedy: "Create them by the DDL that `feedstream doctor --live` prints, or correct the names."}
	case errors.Is(err, hbase.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), oss.Transient(err):
		return &problem.Problem{Status: http.StatusServiceUnavailable, Title: "The store does not answer",
			Detail: "HBase or OSS did not answer in time.", Remedy: "Try again; `feedstream doctor --live` names the store."}
	case errors.Is(err, reference.ErrNotFound):
		return &problem.Problem{Status: http.StatusNotFound, Title: "No reference is announced",
			Detail: "The bucket has no manifest under REFERENCE_PREFIX, or not the snapshot that it names.",
			Remedy: "Invoke feed-refresh (`feedstream refresh`), or correct OSS_BUCKET and REFERENCE_PREFIX."}
	case errors.Is(err, reference.ErrNoSnapshot):
		return &problem.Problem{Status: http.StatusInternalServerError, Title: "The reference cannot be read",
			Detail: "OSS answers, and yet no snapshot could be read from it: the cause stands in the function's log.",
			Remedy: "`feedstream doctor --live` looks at the manifest and the snapshot."}
	}
	return &problem.Problem{Status: http.StatusInternalServerError, Title: "Internal error",
		Detail: "The request failed for a cause that stands in the function's log.",
		Remedy: "Look at the log of feed-query for the time of the request."}
}

func incomplete(e *phoenix.RowError) *problem.Problem {
	detail := fmt.Sprintf("The row %.300q is there and is no record's: %v.", e.RowKey, e.Err)
	if e.Err == nil {
		detail = fmt.Sprintf("The row %.300q is there and has no value in %s.", e.RowKey, strings.Join(e.Null, ", "))
	}
	return &problem.Problem{Status: http.StatusInternalServerError, Title: "The row is incomplete", Detail: detail,
		Remedy: "Whoever wrote it, by SQL for instance, completes or deletes it; or publish the update of its key again."}
}

func laidOutOtherwise(e *phoenix.LayoutError) *problem.Problem {
	var differences, remedies []string
	for _, d := range e.Differences {
		differences = append(differences, d.What)
		if !slices.Contains(remedies, d.Remedy) {
			remedies = append(remedies, d.Remedy)
		}
	}
	return &problem.Problem{Status: http.StatusInternalServerError, Title: "The table is laid out otherwise",
		Detail: strings.Join(differences, "; "), Remedy: strings.Join(remedies, "; ")}
}
