export { run } from "./resume_action.ts";
