package oss

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	isoTime     = "2006-01-02T15:04:05.000Z"
	defaultKeys = 100
	mostKeys    = 1000
)

type owner struct {
	ID          string
	DisplayName string
}

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	StartAfter            string `xml:",omitempty"`
	MaxKeys               int
	Delimiter             string
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	KeyCount              int
	Contents              []listedObject
	CommonPrefixes        []commonPrefix
}

type listedObject struct {
	Key          string
	LastModified string
	ETag         string
	Type         string
	Size         int64
	StorageClass string
}

type commonPrefix struct{ Prefix string }

// listObjects serves ListObjectsV2. A continuation token is the last name that was returned, so a
// listing stays correct while objects come and go.
func (s *Server) listObjects(w http.ResponseWriter, r *request) error {
	query := r.URL.Query()
	most := defaultKeys
	if text := query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostKeys {
			return refused(http.StatusBadRequest, "InvalidArgument", "max-keys=%s is not between 1 and %d", text, mostKeys)
		}
		most = n
	}
	encoding := query.Get("encoding-type")
	if encoding != "" && encoding != "url" {
		return refused(http.StatusBadRequest, "InvalidArgument", "encoding-type=%s is unknown: only url is", encoding)
	}
	after := query.Get("start-after")
	if token := query.Get("continuation-token"); token != "" {
		decoded, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			return refused(http.StatusBadRequest, "InvalidArgument", "the continuation token was not given out by this server")
		}
		after = string(decoded)
	}
	result := listResult{
		Name: r.bucket, Prefix: query.Get("prefix"), StartAfter: query.Get("start-after"), MaxKeys: most,
		Delimiter: query.Get("delimiter"), EncodingType: encoding,
	}
	result.fill(r.store.list(), after, most)
	if encoding == "url" {
		result.encode()
	}
	return writeXML(w, result)
}

// fill takes up to most names after the given one; a common prefix counts as one name.
func (l *listResult) fill(all []metadata, after string, most int) {
	last := ""
	for _, m := range all {
		if !strings.HasPrefix(m.Key, l.Prefix) {
			continue
		}
		name, grouped := m.Key, false
		if l.Delimiter != "" {
			if i := strings.Index(m.Key[len(l.Prefix):], l.Delimiter); i >= 0 {
				name, grouped = m.Key[:len(l.Prefix)+i+len(l.Delimiter)], true
			}
		}
		if name <= after || grouped && name == last {
			continue
		}
		if l.KeyCount == most {
			l.IsTruncated = true
			l.NextContinuationToken = base64.StdEncoding.EncodeToString([]byte(last))
			return
		}
		l.KeyCount++
		last = name
		if grouped {
			l.CommonPrefixes = append(l.CommonPrefixes, commonPrefix{name})
			continue
		}
		l.Contents = append(l.Contents, listedObject{
			Key: name, LastModified: m.Modified.Format(isoTime), ETag: m.ETag, Type: "Normal", Size: m.Size, StorageClass: "Standard",
		})
	}
}

// encode makes the names safe for XML. A blank becomes %20, which every SDK decodes; some take a plus as it is.
func (l *listResult) encode() {
	l.Prefix, l.StartAfter, l.Delimiter = escape(l.Prefix, false), escape(l.StartAfter, false), escape(l.Delimiter, false)
	for i := range l.Contents {
		l.Contents[i].Key = escape(l.Contents[i].Key, false)
	}
	for i := range l.CommonPrefixes {
		l.CommonPrefixes[i].Prefix = escape(l.CommonPrefixes[i].Prefix, false)
	}
}

type bucketElement struct {
	Name             string
	Location         string
	CreationDate     string
	ExtranetEndpoint string
	IntranetEndpoint string
	StorageClass     string
	Owner            *owner `xml:",omitempty"`
	Grant            string `xml:"AccessControlList>Grant,omitempty"`
}

func (s *Server) describe(name, host string) bucketElement {
	return bucketElement{
		Name: name, Location: "oss-" + s.options.Region, CreationDate: time.Unix(0, 0).UTC().Format(isoTime),
		ExtranetEndpoint: host, IntranetEndpoint: host, StorageClass: "Standard",
	}
}

func (s *Server) bucketInfo(w http.ResponseWriter, r *request) error {
	bucket := s.describe(r.bucket, r.Host)
	bucket.Owner, bucket.Grant = &owner{ID: "0", DisplayName: "local"}, "private"
	return writeXML(w, struct {
		XMLName xml.Name `xml:"BucketInfo"`
		Bucket  bucketElement
	}{Bucket: bucket})
}

func (s *Server) listBuckets(w http.ResponseWriter, r *request) error {
	var buckets []bucketElement
	for name := range s.buckets {
		buckets = append(buckets, s.describe(name, r.Host))
	}
	slices.SortFunc(buckets, func(x, y bucketElement) int { return strings.Compare(x.Name, y.Name) })
	return writeXML(w, struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		Owner   owner
		Buckets []bucketElement `xml:"Buckets>Bucket"`
	}{Owner: owner{ID: "0", DisplayName: "local"}, Buckets: buckets})
}

func writeXML(w http.ResponseWriter, value any) error {
	body, err := xml.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(append([]byte(xml.Header), body...))
	return nil
}
