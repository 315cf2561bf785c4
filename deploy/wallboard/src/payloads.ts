// What the board reads of the contract's messages; keys that it does not know it ignores.

export interface BridgeAsterisk {
  link: "up" | "down" | "resyncing";
  current: boolean;
  since: string;
  last_error: string | null;
}

export interface CurrentCall {
  caller_number: string | null;
  caller_name: string | null;
  answered_at: string | null;
  time_to_answer: number | null;
}

export interface Session {
  as_of: string;
  agent: string;
  group: string;
  address: string;
  state: string;
  state_since: string;
  reason: string | null;
  pending_state: string | null;
  session_start_time: string;
  number_of_calls: number;
  average_talk_time: number;
  average_wrap_up_time: number;
  longest_time_to_answer: number;
  complete: boolean;
  current_call: CurrentCall | null;
  asterisk: { membership: string; calls_missed: number };
}

export interface MeasurementPeriod {
  seconds: number;
  from: string;
  to: string;
}

export interface Agent {
  as_of: string;
  agent: string;
  state: string;
  state_since: string;
  measurement_period: MeasurementPeriod;
  overall_call_rate: number;
  number_of_acd_calls: number;
  number_of_incoming_calls: number;
  number_of_outgoing_calls: number;
  total_acd_talk_time: number;
  total_wrap_up_time: number;
  complete: boolean;
}

export interface WaitingCaller {
  uniqueid: string;
  caller_number: string | null;
  caller_name: string | null;
  position: number;
  waiting_since: string;
}

export interface Queue {
  as_of: string;
  queue: string;
  measurement_period: MeasurementPeriod;
  total_calls_queued: number;
  current_calls_queued: number;
  total_calls_abandoned: number;
  total_calls_flowed_out: number;
  longest_ever_wait_time: number;
  current_longest_wait_time: number;
  average_wait_time: number;
  answered: number;
  service_level: { threshold: number | null; answered_in_time: number; percent: number };
  callers_waiting: WaitingCaller[];
  agents: { NOT_READY: number; READY: number; BUSY_ON_CALL: number; BUSY_WRAPUP: number };
}

export interface Answer {
  id: string | number | null;
  status: "ok" | "error";
  code: string | null;
  message: string | null;
  changed: boolean;
  state: string | null;
  sessions?: { group: string; address: string; status: "ok" | "error"; code: string | null; message: string | null }[] | null;
}
