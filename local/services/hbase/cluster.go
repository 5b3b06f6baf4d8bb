package hbase

import (
	"fmt"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/wire"
)

// clusterID is the name under which clients know the cluster.
const clusterID = "feedstream"

func (s *Server) serverName() *pb.ServerName {
	port, started := uint32(s.port), uint64(s.started)
	return &pb.ServerName{HostName: &s.host, Port: &port, StartCode: &started}
}

// fieldServersName has the names of the live servers. The client library's message does not have it.
const fieldServersName = 11

func (s *Server) masterRunning(*wire.Request) (proto.Message, error) {
	return &pb.IsMasterRunningResponse{IsMasterRunning: proto.Bool(true)}, nil
}

func (s *Server) clusterStatus(*wire.Request) (proto.Message, error) {
	status := &pb.ClusterStatus{
		HbaseVersion: &pb.HBaseVersionFileContent{Version: proto.String("2.6.1")},
		ClusterId:    &pb.ClusterId{ClusterId: proto.String(clusterID)},
		Master:       s.serverName(),
		LiveServers:  []*pb.LiveServerInfo{{Server: s.serverName(), ServerLoad: &pb.ServerLoad{}}},
	}
	name, err := proto.Marshal(s.serverName())
	if err != nil {
		return nil, fmt.Errorf("encode the name of the server: %w", err)
	}
	status.ProtoReflect().SetUnknown(
		protowire.AppendBytes(protowire.AppendTag(nil, fieldServersName, protowire.BytesType), name))
	return &pb.GetClusterStatusResponse{ClusterStatus: status}, nil
}
