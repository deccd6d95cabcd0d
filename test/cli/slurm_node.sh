#!/usr/bin/env bash
# A Slurm cluster of one node on this machine's loopback, for tests: slurmctld, slurmd and munged with keys, ports and
# files of their own under the folder given. Needs root. Packages (Debian, Ubuntu): slurmctld slurmd slurm-client munge,
# with --no-install-recommends.
#
#   slurm_node.sh up FOLDER      starts it, prints the path of its slurm.conf
#   slurm_node.sh down FOLDER    ends the three daemons that it started
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,8p' "$0"; exit 2; }
mkdir -p "$2"; dir=$(cd "$2" && pwd); host=$(hostname -s)
case $1 in
up)
  mkdir -p "$dir/state" "$dir/spool" "$dir/munge"; chmod 755 "$dir" "$dir/munge"
  [ -f "$dir/munge/key" ] || (umask 077; head -c 1024 /dev/urandom > "$dir/munge/key")
  munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/munged.pid" \
    --log-file="$dir/munge/munged.log" --seed-file="$dir/munge/seed"
  cat > "$dir/slurm.conf" <<C
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
ReturnToService=2
KillWait=300
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=debug Nodes=$host Default=YES MaxTime=INFINITE State=UP
C
  slurmctld -c -i -f "$dir/slurm.conf"; sleep 1
  slurmd -f "$dir/slurm.conf" -N "$host"; sleep 2
  SLURM_CONF=$dir/slurm.conf sinfo >&2
  echo "$dir/slurm.conf"
  ;;
down)
  for file in slurmd.pid slurmctld.pid munge/munged.pid; do
    pid=$(cat "$dir/$file" 2>/dev/null) || continue
    # Each writes its state before it ends.
    kill "$pid" 2>/dev/null || continue
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  done
  ;;
*) sed -n '2,8p' "$0"; exit 2 ;;
esac
